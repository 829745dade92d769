# Variables: BUILD, SOURCE, FOLDER, GENERATOR, CC, CXX, C_FLAGS, CXX_FLAGS, LINKER_FLAGS (CMakeLists.txt). With the
# tree's own flags: what links a library that a sanitizer is compiled into must be linked with it too.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV}: ${result}\n${output}")
  endif()
  message(STATUS "${output}")
endfunction()

file(REMOVE_RECURSE ${FOLDER})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${FOLDER}/prefix)
run(${CMAKE_COMMAND} -G "${GENERATOR}" -S ${SOURCE} -B ${FOLDER}/build -DCMAKE_PREFIX_PATH=${FOLDER}/prefix
    -DCMAKE_C_COMPILER=${CC} -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Release "-DCMAKE_C_FLAGS=${C_FLAGS}" "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}"
    "-DCMAKE_EXE_LINKER_FLAGS=${LINKER_FLAGS}")
run(${CMAKE_COMMAND} --build ${FOLDER}/build)
foreach(device cpu! auto reference!)
  run(${FOLDER}/build/from_c ${device})
  run(${FOLDER}/build/from_cpp ${device})
endforeach()
run(${FOLDER}/prefix/bin/sparklec --version)
