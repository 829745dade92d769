// A module as an earlier build of this program would have left it.
extern "C" __attribute__((visibility("default"))) const char *sparkle_plugin_version() { return "0.1.0-000000000000"; }
extern "C" __attribute__((visibility("default"))) const void *sparkle_llvm_target() { return nullptr; }
