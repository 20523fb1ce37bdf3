// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// Runs `action` once, however often the button is hit, and closes the dialog when it worked.
export async function once(dialog, action) {
	if (dialog.saving) return;
	dialog.saving = true;
	dialog.disable_primary_action();
	try {
		await action();
		await shown(dialog);
		dialog.hide();
	} finally {
		dialog.saving = false;
		dialog.enable_primary_action();
	}
}

// Bootstrap does not hear a dialog that is told to close while it fades in: it would stay, its button ready for more.
const shown = ({ display, $wrapper }) =>
	display || !$wrapper.hasClass("show")
		? null
		: new Promise((resolve) => $wrapper.one("shown.bs.modal", resolve));
