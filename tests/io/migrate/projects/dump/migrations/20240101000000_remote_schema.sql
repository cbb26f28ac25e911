--
-- PostgreSQL database dump
--

\restrict 7aVQH0NfO2uHcVQ5sT7

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE EXTENSION IF NOT EXISTS "pg_net" WITH SCHEMA "extensions";
COMMENT ON SCHEMA "public" IS 'standard public schema';
CREATE EXTENSION IF NOT EXISTS "pgcrypto" WITH SCHEMA "extensions";
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA "extensions";

CREATE OR REPLACE FUNCTION "public"."count_items"() RETURNS bigint
    LANGUAGE "sql" STABLE
    AS $$ select count(*) from public.items; $$;
ALTER FUNCTION "public"."count_items"() OWNER TO "postgres";

SET default_tablespace = '';
SET default_table_access_method = "heap";

CREATE TABLE IF NOT EXISTS "public"."items" (
    "id" "uuid" DEFAULT "extensions"."uuid_generate_v4"() NOT NULL,
    "name" "text",
    "created_at" timestamp with time zone DEFAULT "now"() NOT NULL
);
ALTER TABLE "public"."items" OWNER TO "postgres";
COPY "public"."items" ("id", "name", "created_at") FROM stdin;
6b2f6a4e-9a0c-4a7e-8f5e-2d1b1c3d4e5f	with a ; and 'quote'	2024-01-01 00:00:00+00
7b2f6a4e-9a0c-4a7e-8f5e-2d1b1c3d4e5f	\N	2024-01-02 00:00:00+00
\.
ALTER TABLE ONLY "public"."items" ADD CONSTRAINT "items_pkey" PRIMARY KEY ("id");
CREATE POLICY "all" ON "public"."items" USING (("auth"."role"() = 'authenticated'::"text"));
ALTER TABLE "public"."items" ENABLE ROW LEVEL SECURITY;
ALTER PUBLICATION "supabase_realtime" OWNER TO "postgres";
ALTER PUBLICATION "supabase_realtime" ADD TABLE ONLY "public"."items";
GRANT USAGE ON SCHEMA "public" TO "postgres";
GRANT USAGE ON SCHEMA "public" TO "anon";
GRANT ALL ON FUNCTION "public"."count_items"() TO "service_role";
GRANT ALL ON TABLE "public"."items" TO "anon";
ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" GRANT ALL ON SEQUENCES TO "postgres";
ALTER DEFAULT PRIVILEGES FOR ROLE "supabase_admin" IN SCHEMA "public" GRANT ALL ON TABLES TO "anon";
RESET ALL;
\unrestrict 7aVQH0NfO2uHcVQ5sT7
