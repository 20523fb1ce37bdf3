"""Follow ups: what to do next, for whom, and by when.

`model` and `schedule` are plain data and pure rules; `references`, `people` and `candidates` read; `store` and `marks`
write; `engine` makes and closes follow ups by rules; `reminders` tells people; `contacts` keeps when a party was last
in contact; `work` is what people do by hand; `day` and `report_queries` are read by My Day and the report. Nothing in
here imports events, tasks, api, reports or doctypes.
"""
