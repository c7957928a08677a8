"""Pages for browsers: the operators' console, the chat page and the API reference.

Plain files and templates, without a build step; nothing is loaded from elsewhere.
"""
