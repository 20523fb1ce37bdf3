"""The steps of the plan as documents: ERPNext's own, by ERPNext's own mappers, each saved and submitted as usual.

Every action works for one `Work`: it reads the names of the story's earlier documents and notes those it makes.
"""

from crm_ext.setup.demo import buying, data, offering, ordering, paying
from crm_ext.setup.demo.stories import Step, Story
from crm_ext.setup.demo.work import Action

ACTIONS: dict[str, Action] = {**offering.ACTIONS, **ordering.ACTIONS, **paying.ACTIONS, **buying.ACTIONS}
_BY_BUYER = {"purchase", "receive", "deliver", "return_goods"}
_BY_ACCOUNTANT = {*paying.ACTIONS, "invoice", "credit", "bill"}


def who_does(step: Step, story: Story | None) -> str:
	"""The user a step is for."""
	if step.action in _BY_BUYER:
		return data.BUYER.user
	if step.action in _BY_ACCOUNTANT:
		return data.ACCOUNTANT.user
	return data.SALES[story.seller].user
