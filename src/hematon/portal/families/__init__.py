"""Children, and who may see what of them.

An adult sees nothing of a child until staff have confirmed who the adult is to it. From then on the
programme's age rules decide, at the child's birthdays in the programme's time zone; `access.scope`
is the one question other parts ask, and it is asked anew at every request.
"""
