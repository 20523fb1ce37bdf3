// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// Runs `action` once, however often the button is hit, and closes the dialog when it worked.
export async function once(dialog, action) {
	if (dialog.saving) return;
	dialog.saving = true;
	dialog.disable_primary_action();
	try {
		await action();
		dialog.hide();
	} finally {
		dialog.saving = false;
		dialog.enable_primary_action();
	}
}
