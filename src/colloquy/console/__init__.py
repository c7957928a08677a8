"""Pages for browsers: plain files without a build step, served by the `api` room."""
