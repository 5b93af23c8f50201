-- SPDX-License-Identifier: PostgreSQL
-- A shop. Primary keys and a few indexes, as a young application has them: some useful ones are missing, one is
-- redundant, one is never used.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_app') THEN CREATE ROLE shop_app LOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fettle_monitor') THEN CREATE ROLE fettle_monitor LOGIN; END IF;
END
$roles$;
GRANT pg_monitor, pg_read_all_data TO fettle_monitor;

CREATE TYPE order_status AS ENUM ('new', 'paid', 'packed', 'shipped', 'done', 'returned', 'cancelled');

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    country char(2) NOT NULL,
    city text NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE TABLE categories (id int PRIMARY KEY, parent_id int REFERENCES categories, name text NOT NULL);
CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category_id int NOT NULL REFERENCES categories,
    sku text NOT NULL UNIQUE,
    name text NOT NULL,
    price numeric(10, 2) NOT NULL,
    stock int NOT NULL,
    attributes jsonb NOT NULL,
    tags text[] NOT NULL
);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    status order_status NOT NULL,
    total numeric(12, 2) NOT NULL,
    coupon text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders,
    line int NOT NULL,
    product_id bigint NOT NULL REFERENCES products,
    quantity int NOT NULL,
    price numeric(10, 2) NOT NULL,
    PRIMARY KEY (order_id, line)
);
CREATE TABLE payments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    method text NOT NULL,
    amount numeric(12, 2) NOT NULL,
    paid_at timestamptz
);
CREATE TABLE reviews (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products,
    customer_id bigint NOT NULL REFERENCES customers,
    rating int NOT NULL CHECK (rating BETWEEN 1 AND 5),
    body text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE events (
    id bigint NOT NULL,
    customer_id bigint,
    session uuid NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL
) PARTITION BY RANGE (created_at);
DO $partitions$
BEGIN
    FOR month IN 1..6 LOOP
        EXECUTE format('CREATE TABLE events_2026_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', lpad(month::text, 2, '0'),
                       make_date(2026, month, 1), make_date(2026, month, 1) + interval '1 month');
    END LOOP;
END
$partitions$;
CREATE INDEX orders_created_at_idx ON orders (created_at);
CREATE INDEX orders_created_at_id_idx ON orders (created_at, id);
CREATE INDEX products_name_idx ON products (name);
CREATE VIEW open_orders AS
    SELECT o.id, o.customer_id, c.name AS customer, o.status, o.total, o.created_at
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.status IN ('new', 'paid', 'packed');
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop_app;
