"""bench --site SITE crm-ext ..."""

import click
import frappe
from frappe.commands import get_site, pass_context


@click.group("crm-ext")
def crm_ext() -> None:
	"""Deals of CRM Ext."""


@crm_ext.command("backfill")
@click.option("--restart", is_flag=True, help="Begin anew instead of where an interrupted run stopped")
@pass_context
def backfill(context, restart: bool) -> None:
	"""Read the documents this site already holds into deals. Safe to run again, and beside users at work."""
	from crm_ext.deals.backfill import backfill as run

	def show(done: int, total: int) -> None:
		click.echo(f"\r{done} of {total} documents", nl=False)

	with _site(context):
		result = run(show, restart=restart)
		if result["running"]:
			raise click.ClickException("Another backfill of this site is running.")
		click.echo(
			f"\n{result['vouchers']} documents read, {result['deals']} deals changed, {result['failed']} failed"
		)
		if result["failed"]:
			raise click.ClickException("Some documents failed; see the Error Log.")


@crm_ext.command("check")
@pass_context
def check(context) -> None:
	"""Run the nightly check now: derive again what changed without an event."""
	from crm_ext.deals.check import check as run

	with _site(context):
		result = run()
		click.echo(
			f"{result['checked']} documents looked at, {result['mended']} deals mended, {result['failed']} failed"
		)


class _site:
	"""Connect to the site of the command, as Administrator."""

	def __init__(self, context):
		self.site = get_site(context)

	def __enter__(self) -> None:
		frappe.init(site=self.site)
		frappe.connect()
		if "crm_ext" not in frappe.get_installed_apps():
			frappe.destroy()
			raise click.ClickException(f"crm_ext is not installed on {self.site}.")

	def __exit__(self, *error) -> None:
		frappe.destroy()


commands = [crm_ext]
