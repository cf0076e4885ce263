"""The connector to Shopify stores (Admin GraphQL API 2026-10)."""
