"""When and how a person wants to be told; and the link at the end of each mail, which asks for no password."""

import hmac

import frappe
from frappe import _
from frappe.utils import escape_html, get_fullname
from frappe.utils.verified_command import get_signed_params

from crm_ext.follow_ups import messages, preferences

# What a link may switch off, and the words for it.
_SWITCHES = {"digest": "digest", "mail": "by_mail"}


@frappe.whitelist()
def get_mine() -> dict:
	"""The preferences of the person logged in, or the defaults."""
	_refuse_guests()
	return preferences.get(frappe.session.user)


@frappe.whitelist(methods=["POST"])
def set_mine(values: str | dict) -> dict:
	"""Change some of one's own preferences; returns all of them."""
	_refuse_guests()
	return preferences.save(frappe.session.user, frappe.parse_json(values))


def _refuse_guests() -> None:
	if frappe.session.user == "Guest":
		frappe.throw(_("Log in first."), frappe.PermissionError)


# A guest may call it: the signature of the link says who it was made for, and what it can do is to stop mails.
@frappe.whitelist(allow_guest=True, methods=["GET", "POST"])
def unsubscribe(user: str, what: str) -> None:
	"""Show a page that asks once more, on GET: programs that look into mails follow links. Switch off, on POST."""
	if not _is_signed(user, what) or not frappe.db.exists("User", user):
		frappe.respond_as_web_page(
			_("Invalid Link"),
			_("This link is invalid or expired. Please make sure you have pasted correctly."),
			http_status_code=403,
			indicator_color="red",
		)
		return
	language = frappe.db.get_value("User", user, "language")
	with messages.language(language or frappe.db.get_default("lang")):
		if frappe.request.method == "POST":
			preferences.switch_off(user, _SWITCHES[what])
			_page(_("Switched Off"), _done(what), "green")
		else:
			_page(_("Follow Ups"), _question(user, what), "blue")


def _is_signed(user: str, what: str) -> bool:
	query = frappe.safe_decode(frappe.request.query_string)
	expected = get_signed_params({"user": user, "what": what})
	return what in _SWITCHES and hmac.compare_digest(query.encode(), expected.encode())


def _page(title: str, html: str, color: str) -> None:
	frappe.respond_as_web_page(title, html, http_status_code=200, indicator_color=color)


def _question(user: str, what: str) -> str:
	if what == "digest":
		text = _("{0} gets a digest of follow ups each morning. Switch it off?")
	else:
		text = _("{0} gets mails about follow ups. Switch them off? The bell in the desk stays.")
	# A person who happens to be logged in has a token; nobody else needs one.
	token = frappe.session.data.csrf_token if frappe.session.data else None
	return frappe.render_template(
		"""<p>{{ text }}</p><form method="POST">
		{% if token %}<input type="hidden" name="csrf_token" value="{{ token | e }}">{% endif %}
		<button class="btn btn-primary btn-sm">{{ button | e }}</button></form>""",
		{
			"text": text.format(escape_html(get_fullname(user))),
			"token": token,
			"button": _("Switch Off"),
		},
	)


def _done(what: str) -> str:
	text = (
		_("There will be no digest any more.") if what == "digest" else _("There will be no mails any more.")
	)
	again = _("You can switch it on again in your Follow Up Preference in the desk.")
	return f"<p>{text}</p><p>{again}</p>"
