// Which drivers and layers the Vulkan loader will load, told from their files alone.
#pragma once

#include <string>

namespace sparkle::vulkan {

/// A line for each manifest of a driver or an implicit layer, in the loader's order of places, with size and time of
/// the manifest and of the library that it names, and the variables that choose among them. Equal texts: the same
/// software. Empty: there is no driver's manifest.
std::string driver_files();

} // namespace sparkle::vulkan
