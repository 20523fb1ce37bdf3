"""What customers owe: ageing of open items, promises to pay, credit, receipts. Every figure ties to ERPNext's ledgers.

Nothing in here imports events, tasks, api, reports or doctypes.
"""
