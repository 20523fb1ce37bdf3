"""Deals: one thread of selling, derived from its vouchers.

rules.py     pure: which voucher belongs to which deal, and what a deal then is
vouchers.py  reads ERPNext documents into plain data, in sets; voucher_columns.py, receipts.py  their columns, their money
stored.py    what is known of deals so far;  locks.py  who may write when two are at work
store.py     the only module that writes
derive.py    the one deriving function: read, apply the rules, write what differs
touch.py     collects what a transaction touched and derives it once before the commit
stages.py    the configured stages
backfill.py  all vouchers of a site, in chunks;  check.py  what no event saw
buying.py    for whom something is bought, made or kept;  bought_for.py  how that is decided
queries.py   what reports share
"""
