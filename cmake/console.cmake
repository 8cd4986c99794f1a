# The pages of console/ as the program serves them (docs/decisions/0024); IMAGINED_PYTHON is that of
# cmake/api_docs.cmake.
function(imagined_console target)
  set(made ${CMAKE_BINARY_DIR}/console_files.cpp)
  set(tool ${CMAKE_SOURCE_DIR}/tools/console_files.py)
  file(GLOB_RECURSE pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/console/*)
  add_custom_command(OUTPUT ${made} COMMAND ${IMAGINED_PYTHON} -B ${tool} ${CMAKE_SOURCE_DIR}/console ${made}
                     DEPENDS ${tool} ${CMAKE_SOURCE_DIR}/tools/api_docs.py ${pages} VERBATIM)
  target_sources(${target} PRIVATE ${made})
  set_source_files_properties(${made} PROPERTIES COMPILE_OPTIONS "${IMAGINED_COLD_OPTIONS}")
endfunction()
