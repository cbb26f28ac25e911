-- The schema as the published document of BillKaro prints it, kept for comparison and never applied:
-- as written it cannot serve the document's own examples (differences.md says why, point by point).
-- Only the enum types, which the document uses and does not define, are added at the top.

CREATE TYPE user_role AS ENUM ('admin', 'manager', 'operator');
CREATE TYPE machine_status AS ENUM ('online', 'offline');
CREATE TYPE service_status AS ENUM ('active', 'inactive');
CREATE TYPE payment_method AS ENUM ('Cash', 'UPI', 'Card');
CREATE TYPE payment_status AS ENUM ('success', 'pending', 'failed');

-- Users table (handled by Supabase Auth)
CREATE TABLE users (
  id UUID PRIMARY KEY DEFAULT uuid_generate_v4(),
  username VARCHAR(50) UNIQUE NOT NULL,
  email VARCHAR(255) UNIQUE NOT NULL,
  hashed_password VARCHAR(255) NOT NULL,
  role user_role DEFAULT 'operator' NOT NULL,
  is_active VARCHAR(10) DEFAULT 'true' NOT NULL,
  created_at TIMESTAMPTZ DEFAULT NOW(),
  updated_at TIMESTAMPTZ DEFAULT NOW()
);

-- Machines table
CREATE TABLE machines (
  id UUID PRIMARY KEY DEFAULT uuid_generate_v4(),
  name TEXT NOT NULL,
  location TEXT NOT NULL,
  status machine_status DEFAULT 'offline',
  last_sync TIMESTAMPTZ DEFAULT NOW(),
  online_collection NUMERIC(10,2) DEFAULT 0,
  offline_collection NUMERIC(10,2) DEFAULT 0,
  created_at TIMESTAMPTZ DEFAULT NOW(),
  updated_at TIMESTAMPTZ DEFAULT NOW()
);

-- Services table
CREATE TABLE services (
  id UUID PRIMARY KEY DEFAULT uuid_generate_v4(),
  machine_id UUID NOT NULL REFERENCES machines(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  price NUMERIC(10,2) NOT NULL,
  status service_status DEFAULT 'active',
  created_at TIMESTAMPTZ DEFAULT NOW(),
  updated_at TIMESTAMPTZ DEFAULT NOW()
);

-- Payments table
CREATE TABLE payments (
  id UUID PRIMARY KEY DEFAULT uuid_generate_v4(),
  machine_id UUID NOT NULL REFERENCES machines(id) ON DELETE CASCADE,
  bill_number TEXT UNIQUE NOT NULL,
  amount NUMERIC(10,2) NOT NULL,
  method payment_method NOT NULL,
  status payment_status DEFAULT 'success',
  created_at TIMESTAMPTZ DEFAULT NOW()
);

-- Indexes for performance
CREATE INDEX idx_services_machine_id ON services(machine_id);
CREATE INDEX idx_payments_machine_id ON payments(machine_id);
CREATE INDEX idx_payments_created_at ON payments(created_at DESC);
CREATE INDEX idx_payments_bill_number ON payments(bill_number);

ALTER TABLE machines ENABLE ROW LEVEL SECURITY;
ALTER TABLE services ENABLE ROW LEVEL SECURITY;
ALTER TABLE payments ENABLE ROW LEVEL SECURITY;

-- Machines: Allow authenticated users to read
CREATE POLICY "Allow read access to machines"
  ON machines FOR SELECT
  USING (auth.role() = 'authenticated');

-- Machines: Allow admins to modify
CREATE POLICY "Allow admin to modify machines"
  ON machines FOR ALL
  USING (auth.jwt() ->> 'role' = 'admin');

-- Services: Allow authenticated users to read
CREATE POLICY "Allow read access to services"
  ON services FOR SELECT
  USING (auth.role() = 'authenticated');

-- Services: Allow managers to modify
CREATE POLICY "Allow managers to modify services"
  ON services FOR ALL
  USING (auth.jwt() ->> 'role' IN ('admin', 'manager'));

-- Payments: Allow authenticated users to create/read
CREATE POLICY "Allow insert payments"
  ON payments FOR INSERT
  WITH CHECK (auth.role() = 'authenticated');

CREATE POLICY "Allow read payments"
  ON payments FOR SELECT
  USING (auth.role() = 'authenticated');

CREATE OR REPLACE FUNCTION get_collections_summary(
  machine_id TEXT,
  start_date TIMESTAMPTZ,
  end_date TIMESTAMPTZ
)
RETURNS JSON AS $$
DECLARE
  result JSON;
BEGIN
  SELECT json_build_object(
    'total_amount', COALESCE(SUM(amount), 0),
    'transaction_count', COUNT(*),
    'average_transaction', COALESCE(AVG(amount), 0),
    'by_method', (
      SELECT json_object_agg(method, total)
      FROM (
        SELECT method, SUM(amount) as total
        FROM payments
        WHERE machine_id = $1
          AND created_at >= $2
          AND created_at <= $3
        GROUP BY method
      ) methods
    ),
    'by_status', (
      SELECT json_object_agg(status, total)
      FROM (
        SELECT status, SUM(amount) as total
        FROM payments
        WHERE machine_id = $1
          AND created_at >= $2
          AND created_at <= $3
        GROUP BY status
      ) statuses
    )
  ) INTO result
  FROM payments
  WHERE machine_id = $1
    AND created_at >= $2
    AND created_at <= $3;
  
  RETURN result;
END;
$$ LANGUAGE plpgsql;
