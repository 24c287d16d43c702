"""A door for circuits that other tools wrote: read without harm, said again in the words of a problem, scored."""
