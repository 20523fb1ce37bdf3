"""Links that open a chat with a person, from the numbers and names kept on a Contact or a Lead. Reads only."""

import re
from urllib.parse import quote

import frappe
from phonenumbers import (
	NumberParseException,
	PhoneNumberFormat,
	ValidationResult,
	format_number,
	is_possible_number_with_reason,
	parse,
)

from crm_ext.follow_ups.model import PARTIES

# WeChat gives IDs of 6 to 20 of these signs; a QQ or phone number serves as one as well.
_WECHAT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{4,19}")
_QQ = re.compile(r"[1-9][0-9]{4,11}")


def whatsapp_link(number: str | None, region: str | None) -> str | None:
	"""`region` (ISO 3166, two letters) is where a number without country code belongs. None for what is no number."""
	try:
		parsed = parse((number or "").strip(), region)
	except NumberParseException:
		return None
	if is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
		return None  # also where it works only from the same town
	return f"https://wa.me/{format_number(parsed, PhoneNumberFormat.E164).lstrip('+')}"


def wechat_link(wechat_id: str | None) -> str | None:
	wechat_id = (wechat_id or "").strip()
	return f"weixin://dl/chat?{quote(wechat_id)}" if _WECHAT.fullmatch(wechat_id) else None


def qq_link(number: str | None) -> str | None:
	number = (number or "").strip()
	if not _QQ.fullmatch(number):
		return None
	return f"https://wpa.qq.com/msgrd?v=3&uin={number}&site=qq&menu=yes"


def links(person: dict, region: str | None) -> list[dict]:
	"""[{"channel", "url"}] of what is kept of a person: whatsapp_no, mobile_no, wechat_id, qq_no. A mobile number
	serves for WhatsApp where none is given."""
	found = (
		("WhatsApp", whatsapp_link(person.get("whatsapp_no") or person.get("mobile_no"), region)),
		("WeChat", wechat_link(person.get("wechat_id"))),
		("QQ", qq_link(person.get("qq_no"))),
	)
	return [{"channel": channel, "url": url} for channel, url in found if url]


def links_of(about: dict) -> list[dict]:
	"""Links to the person a document is about, where the session's user may read it.

	`about` is what `references.describe` says. At most four queries besides the permission's own.
	"""
	region = region_of(about.get("company"))
	contact = about.get("contact") or _contact_of(about.get("party_type"), about.get("party"))
	if contact and frappe.has_permission("Contact", "read", doc=contact):
		found = links_of_contact(contact, region)
		if found:
			return found
	if about.get("party_type") == "Lead" and frappe.has_permission("Lead", "read", doc=about["party"]):
		lead = frappe.db.get_value("Lead", about["party"], ["whatsapp_no", "mobile_no"], as_dict=True)
		return links(lead or {}, region)
	return []


def links_of_contact(contact: str, region: str | None) -> list[dict]:
	fields = ["whatsapp_no", "mobile_no", "wechat_id", "qq_no"]
	return links(frappe.db.get_value("Contact", contact, fields, as_dict=True) or {}, region)


def region_of(company: str | None) -> str | None:
	"""The country of a company, else of the site, in two capital letters."""
	country = frappe.get_cached_value("Company", company, "country") if company else None
	country = country or frappe.db.get_default("country")
	code = frappe.get_cached_value("Country", country, "code") if country else None
	return code.upper() if code else None


def _contact_of(party_type: str | None, party: str | None) -> str | None:
	"""The primary contact linked to a party, else the oldest one."""
	if party_type not in PARTIES or not party:
		return None
	found = frappe.get_all(
		"Contact",
		filters=[
			["Dynamic Link", "link_doctype", "=", party_type],
			["Dynamic Link", "link_name", "=", party],
		],
		order_by="`tabContact`.is_primary_contact desc, `tabContact`.creation",
		limit=1,
		pluck="name",
	)
	return found[0] if found else None
