CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE, password_hash text);
CREATE TABLE products (
    id int PRIMARY KEY, name text, category text, price_cents int, sold_last_week int, digital boolean
);
CREATE TABLE stock (product_id int PRIMARY KEY REFERENCES products, available int);
CREATE TABLE vouchers (code text PRIMARY KEY, percent int);
CREATE SEQUENCE order_numbers START 4001;
CREATE TABLE orders (
    id int PRIMARY KEY DEFAULT nextval('order_numbers'), request_id text, customer_id int, state text,
    total_cents int, created_at timestamptz DEFAULT clock_timestamp()
);
CREATE TABLE order_items (order_id int, product_id int, quantity int);
CREATE TABLE reservations (
    order_id int, product_id int, quantity int, reserved_at timestamptz DEFAULT clock_timestamp(),
    released_at timestamptz
);
CREATE TABLE charges (
    order_id int, amount_cents int, attempts int, charged_at timestamptz DEFAULT clock_timestamp(),
    refunded_at timestamptz
);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON reservations (order_id);
CREATE INDEX ON charges (order_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO api, catalogue, orders, payment, stock;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO api, catalogue, orders, payment, stock;
