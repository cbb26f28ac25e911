ALTER TYPE public.app_role ADD VALUE IF NOT EXISTS 'owner' BEFORE 'admin';
ALTER TYPE public.app_permission ADD VALUE 'channels.create';
INSERT INTO public.role_permissions (role, permission) VALUES ('owner', 'channels.create');
