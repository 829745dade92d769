# cmake -DFILES=a.h,b.h -DVERSION=0.1.0 -DOUTPUT=plugin_version.h -P PluginVersion.cmake
# The version and a hash of the headers whose types cross the border between the program and its modules.
cmake_minimum_required(VERSION 3.25)
string(REPLACE "," ";" files "${FILES}")
set(texts "")
foreach(file IN LISTS files)
  file(SHA256 "${file}" hash)
  string(APPEND texts ${hash})
endforeach()
string(SHA256 hash "${texts}")
string(SUBSTRING ${hash} 0 12 hash)
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT "inline constexpr const char *kPluginVersion = \"@VERSION@-@hash@\";\n" @ONLY)
