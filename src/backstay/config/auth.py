"""The settings of the auth service: ``[auth]`` of config.toml, under the CLI's names.

https://supabase.com/docs/guides/local-development/cli/config#auth-config. Durations are seconds
(read from Go's ``1h30m``), lengths are characters. A section is a nested dataclass; a section whose
keys the user chooses (providers, templates) is a mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from backstay.config.declare import setting
from backstay.config.duration import seconds

PasswordRequirements = Literal[
    "", "letters_digits", "lower_upper_letters_digits", "lower_upper_letters_digits_symbols"
]

LOCAL_SITE = "http://127.0.0.1:3000"


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """``[auth.email.smtp]``"""

    enabled: bool = setting(False, "Send mail through this server.", honoured=False)
    host: str = setting("", "Host name of the mail server.", honoured=False)
    port: int = setting(587, "Port of the mail server.", honoured=False)
    user: str = setting("", "User name at the mail server.", honoured=False)
    password: str = setting("", "Its password.", key="pass", secret=True, honoured=False)
    admin_email: str = setting("", "Sender address.", honoured=False)
    sender_name: str = setting("", "Sender name.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """``[auth.email.template.<kind>]``"""

    subject: str = setting("", "Subject; empty means the built-in one.", honoured=False)
    content: str = setting("", "Body, instead of a file.", honoured=False)
    content_path: str = setting("", "File with the body.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettings:
    """``[auth.email.notification.<kind>]``"""

    enabled: bool = setting(False, "Tell users of this change.", honoured=False)
    subject: str = setting("", "Subject; empty means the built-in one.", honoured=False)
    content: str = setting("", "Body, instead of a file.", honoured=False)
    content_path: str = setting("", "File with the body.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """``[auth.email]``"""

    enable_signup: bool = setting(True, "Allow sign-up and sign-in by e-mail.")
    double_confirm_changes: bool = setting(True, "Both addresses confirm a change of e-mail.")
    enable_confirmations: bool = setting(False, "An address is confirmed before first sign-in.")
    secure_password_change: bool = setting(
        False, "A password change needs a session younger than a day, or a one-time code."
    )
    max_frequency: float = setting(1.0, "Seconds between mails to one user.", parse=seconds)
    otp_length: int = setting(6, "Digits of a one-time code, 6 to 10.")
    otp_expiry: int = setting(3600, "Seconds a one-time code or link lives.")
    smtp: SmtpSettings = setting(factory=SmtpSettings, doc="The mail server.")
    template: Mapping[str, TemplateSettings] = setting(factory=_nothing, doc="Mails by kind.")
    notification: Mapping[str, NotificationSettings] = setting(
        factory=_nothing, doc="Notification mails by kind."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSettings:
    """``[auth.sms.twilio]`` and ``[auth.sms.twilio_verify]``"""

    enabled: bool = setting(False, "Send through Twilio.", honoured=False)
    account_sid: str = setting("", "Account.", honoured=False)
    message_service_sid: str = setting("", "Message service.", honoured=False)
    auth_token: str = setting("", "Token.", secret=True, honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagebirdSettings:
    """``[auth.sms.messagebird]``"""

    enabled: bool = setting(False, "Send through MessageBird.", honoured=False)
    originator: str = setting("", "Sender.", honoured=False)
    access_key: str = setting("", "Key.", secret=True, honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextlocalSettings:
    """``[auth.sms.textlocal]``"""

    enabled: bool = setting(False, "Send through Textlocal.", honoured=False)
    sender: str = setting("", "Sender.", honoured=False)
    api_key: str = setting("", "Key.", secret=True, honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VonageSettings:
    """``[auth.sms.vonage]``"""

    enabled: bool = setting(False, "Send through Vonage.", honoured=False)
    sender: str = setting("", "Sender.", key="from", honoured=False)
    api_key: str = setting("", "Key.", honoured=False)
    api_secret: str = setting("", "Secret.", secret=True, honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsSettings:
    """``[auth.sms]``"""

    enable_signup: bool = setting(False, "Allow sign-up and sign-in by phone.")
    enable_confirmations: bool = setting(False, "A number is confirmed before first sign-in.")
    template: str = setting("Your code is {{ .Code }}", "Text of the message.", honoured=False)
    max_frequency: float = setting(
        5.0, "Seconds between messages to one user.", parse=seconds, honoured=False
    )
    test_otp: Mapping[str, str] = setting(
        factory=_nothing, doc="Codes of test numbers, which receive no message.", honoured=False
    )
    twilio: TwilioSettings = setting(factory=TwilioSettings, doc="Twilio.")
    twilio_verify: TwilioSettings = setting(factory=TwilioSettings, doc="Twilio Verify.")
    messagebird: MessagebirdSettings = setting(factory=MessagebirdSettings, doc="MessageBird.")
    textlocal: TextlocalSettings = setting(factory=TextlocalSettings, doc="Textlocal.")
    vonage: VonageSettings = setting(factory=VonageSettings, doc="Vonage.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitSettings:
    """``[auth.rate_limit]``"""

    email_sent: int = setting(2, "Mails an hour, once SMTP is set up.", honoured=False)
    sms_sent: int = setting(30, "Messages an hour.", honoured=False)
    anonymous_users: int = setting(30, "Anonymous sign-ins an hour and address.", honoured=False)
    token_refresh: int = setting(150, "Refreshes in 5 minutes and address.", honoured=False)
    sign_in_sign_ups: int = setting(30, "Sign-ins and -ups in 5 minutes.", honoured=False)
    token_verifications: int = setting(30, "Verifications in 5 minutes.", honoured=False)
    web3: int = setting(30, "Web3 sign-ins in 5 minutes.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptchaSettings:
    """``[auth.captcha]``"""

    enabled: bool = setting(False, "Ask for a CAPTCHA.", honoured=False)
    provider: str = setting("hcaptcha", "hcaptcha or turnstile.", honoured=False)
    secret: str = setting("", "Its secret.", secret=True, honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """``[auth.sessions]``; 0 means no limit."""

    timebox: float = setting(0.0, "Seconds a session lives at most.", parse=seconds)
    inactivity_timeout: float = setting(0.0, "Seconds without a refresh.", parse=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSettings:
    """``[auth.mfa.totp]`` and ``[auth.mfa.web_authn]``"""

    enroll_enabled: bool = setting(False, "Allow new factors.", honoured=False)
    verify_enabled: bool = setting(False, "Allow their use.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneFactorSettings:
    """``[auth.mfa.phone]``"""

    enroll_enabled: bool = setting(False, "Allow new factors.", honoured=False)
    verify_enabled: bool = setting(False, "Allow their use.", honoured=False)
    otp_length: int = setting(6, "Digits of a code.", honoured=False)
    template: str = setting("Your code is {{ .Code }}", "Text of the message.", honoured=False)
    max_frequency: float = setting(5.0, "Seconds between messages.", parse=seconds, honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaSettings:
    """``[auth.mfa]``"""

    max_enrolled_factors: int = setting(10, "Factors a user may have.", honoured=False)
    totp: FactorSettings = setting(factory=FactorSettings, doc="Authenticator applications.")
    phone: PhoneFactorSettings = setting(factory=PhoneFactorSettings, doc="Codes by phone.")
    web_authn: FactorSettings = setting(factory=FactorSettings, doc="WebAuthn.")


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """``[auth.hook.<name>]``"""

    enabled: bool = setting(False, "Call this hook.")
    uri: str = setting("", "pg-functions://postgres/SCHEMA/FUNCTION or https://….")
    secrets: str = setting("", "Signing secrets of an https hook.", secret=True, honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksSettings:
    """``[auth.hook]``"""

    before_user_created: HookSettings = setting(factory=HookSettings, doc="May refuse a user.")
    custom_access_token: HookSettings = setting(factory=HookSettings, doc="Shapes the claims.")
    send_sms: HookSettings = setting(factory=HookSettings, doc="Sends messages.", honoured=False)
    send_email: HookSettings = setting(factory=HookSettings, doc="Sends mail.", honoured=False)
    mfa_verification_attempt: HookSettings = setting(
        factory=HookSettings, doc="Judges a second factor.", honoured=False
    )
    password_verification_attempt: HookSettings = setting(
        factory=HookSettings, doc="Judges a password sign-in.", honoured=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """``[auth.external.<provider>]``"""

    enabled: bool = setting(False, "Offer this provider.", honoured=False)
    client_id: str = setting("", "Client ids, separated by commas.", honoured=False)
    secret: str = setting("", "Client secret.", secret=True, honoured=False)
    redirect_uri: str = setting("", "Overrides the callback's URL.", honoured=False)
    url: str = setting("", "Overrides the provider's URL.", honoured=False)
    skip_nonce_check: bool = setting(False, "Accept id tokens without a nonce.", honoured=False)
    email_optional: bool = setting(False, "Accept users without an address.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSettings:
    """A section that only holds ``enabled``."""

    enabled: bool = setting(False, "Offer it.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebauthnSettings:
    """``[auth.webauthn]``"""

    rp_display_name: str = setting("", "Name of the relying party.", honoured=False)
    rp_id: str = setting("", "Domain of the relying party.", honoured=False)
    rp_origins: tuple[str, ...] = setting((), "Origins it is used from.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Web3Settings:
    """``[auth.web3]``"""

    solana: SwitchSettings = setting(factory=SwitchSettings, doc="Solana wallets.")
    ethereum: SwitchSettings = setting(factory=SwitchSettings, doc="Ethereum wallets.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthServerSettings:
    """``[auth.oauth_server]``"""

    enabled: bool = setting(False, "Act as an OAuth 2.1 server.", honoured=False)
    authorization_url_path: str = setting("/oauth/consent", "Consent page.", honoured=False)
    allow_dynamic_registration: bool = setting(False, "Clients may register.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirebaseSettings:
    """``[auth.third_party.firebase]``"""

    enabled: bool = setting(False, "Accept its tokens.", honoured=False)
    project_id: str = setting("", "Project.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth0Settings:
    """``[auth.third_party.auth0]``"""

    enabled: bool = setting(False, "Accept its tokens.", honoured=False)
    tenant: str = setting("", "Tenant.", honoured=False)
    tenant_region: str = setting("", "Region.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CognitoSettings:
    """``[auth.third_party.aws_cognito]``"""

    enabled: bool = setting(False, "Accept its tokens.", honoured=False)
    user_pool_id: str = setting("", "User pool.", honoured=False)
    user_pool_region: str = setting("", "Region.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkSettings:
    """``[auth.third_party.clerk]``"""

    enabled: bool = setting(False, "Accept its tokens.", honoured=False)
    domain: str = setting("", "Domain.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOsSettings:
    """``[auth.third_party.workos]``"""

    enabled: bool = setting(False, "Accept its tokens.", honoured=False)
    issuer_url: str = setting("", "Issuer.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartySettings:
    """``[auth.third_party]``"""

    firebase: FirebaseSettings = setting(factory=FirebaseSettings, doc="Firebase.")
    auth0: Auth0Settings = setting(factory=Auth0Settings, doc="Auth0.")
    aws_cognito: CognitoSettings = setting(factory=CognitoSettings, doc="Amazon Cognito.")
    clerk: ClerkSettings = setting(factory=ClerkSettings, doc="Clerk.")
    workos: WorkOsSettings = setting(factory=WorkOsSettings, doc="WorkOS.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """``[auth]``. ``external_url`` is filled in by the project when the file leaves it out."""

    enabled: bool = setting(True, "Serve /auth/v1.")
    site_url: str = setting(LOCAL_SITE, "The application's base URL; where redirects end.")
    external_url: str = setting("", "Public URL of the auth service; default API URL + /auth/v1.")
    additional_redirect_urls: tuple[str, ...] = setting(
        ("https://127.0.0.1:3000",), "Further redirect targets, globs allowed."
    )
    jwt_expiry: int = setting(3600, "Seconds an access token lives, at most 604800.")
    jwt_issuer: str = setting("", "Issuer of tokens; default external_url.")
    signing_keys_path: str = setting("", "File with JWKs that sign access tokens.")
    enable_signup: bool = setting(True, "Allow new users.")
    enable_anonymous_sign_ins: bool = setting(False, "Allow users without credentials.")
    enable_manual_linking: bool = setting(False, "Users may link identities.", honoured=False)
    minimum_password_length: int = setting(6, "Characters of a password, at least 6.")
    password_requirements: PasswordRequirements = setting("", "Classes a password must have.")
    enable_refresh_token_rotation: bool = setting(True, "Revoke the family on reuse.")
    refresh_token_reuse_interval: int = setting(10, "Seconds a spent refresh token still works.")
    jwt_secret: str = setting("", "Secret that signs HS256 tokens.", secret=True)
    anon_key: str = setting("", "Overrides the derived anon key.", secret=True)
    service_role_key: str = setting("", "Overrides the derived service key.", secret=True)
    publishable_key: str = setting("", "Overrides the publishable key.", secret=True)
    secret_key: str = setting("", "Overrides the secret key.", secret=True)
    email: EmailSettings = setting(factory=EmailSettings, doc="E-mail.")
    sms: SmsSettings = setting(factory=SmsSettings, doc="Phone.")
    rate_limit: RateLimitSettings = setting(factory=RateLimitSettings, doc="Rate limits.")
    captcha: CaptchaSettings = setting(factory=CaptchaSettings, doc="CAPTCHA.")
    sessions: SessionSettings = setting(factory=SessionSettings, doc="Session limits.")
    mfa: MfaSettings = setting(factory=MfaSettings, doc="Second factors.")
    hook: HooksSettings = setting(factory=HooksSettings, doc="Hooks.")
    external: Mapping[str, ProviderSettings] = setting(factory=_nothing, doc="Providers by name.")
    passkey: SwitchSettings = setting(factory=SwitchSettings, doc="Passkeys.")
    webauthn: WebauthnSettings = setting(factory=WebauthnSettings, doc="Relying party.")
    web3: Web3Settings = setting(factory=Web3Settings, doc="Wallets.")
    oauth_server: OAuthServerSettings = setting(factory=OAuthServerSettings, doc="OAuth server.")
    third_party: ThirdPartySettings = setting(factory=ThirdPartySettings, doc="Foreign tokens.")
