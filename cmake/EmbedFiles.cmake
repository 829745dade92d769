# cmake -D OUTPUT=out.cpp -D FILES=a;b -P EmbedFiles.cmake: writes the definition of embedded_files() (runtime/embedded_files.h).
set(text "#include \"runtime/embedded_files.h\"\n\nnamespace sparkle {\nnamespace {\n\nconstexpr EmbeddedFile kFiles[] = {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} content)
  string(APPEND text "    {\"${name}\", R\"sparkle(${content})sparkle\"},\n")
endforeach()
string(APPEND text "};\n\n} // namespace\n\nstd::span<const EmbeddedFile> embedded_files() { return kFiles; }\n\n} // namespace sparkle\n")
file(WRITE ${OUTPUT} "${text}")
