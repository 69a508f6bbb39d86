// A shared object that is no plugin.
extern "C" int something_else(void) { return 1; }
