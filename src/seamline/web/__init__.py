"""Pages for people. For now one: the first run, where the admin sets a password.

Pages work without a network and without JavaScript; the content security policy allows nothing but
our own style sheet and forms.
"""
