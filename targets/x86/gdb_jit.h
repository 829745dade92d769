// Symbols of machine code for gdb: the manual's "JIT Compilation Interface". Internal to this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sparkle::x86 {

/// An object file in memory: one function of this name at this address, no code of its own.
std::vector<uint8_t> symbol_object(const std::string &name, const uint8_t *address, size_t bytes);

/// Shown to gdb until the result goes.
std::shared_ptr<void> show_to_gdb(std::vector<uint8_t> object);
/// Objects shown at present.
int shown_to_gdb();

} // namespace sparkle::x86
