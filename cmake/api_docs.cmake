# The API's document as the program serves it (docs/decisions/0018).
# Debian's python3, which has the package python3-yaml, before any other that stands first in PATH.
find_program(IMAGINED_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(IMAGINED_PYTHON python3 REQUIRED)
execute_process(COMMAND ${IMAGINED_PYTHON} -c "import yaml" RESULT_VARIABLE no_yaml ERROR_QUIET)
if(no_yaml)
  message(FATAL_ERROR "${IMAGINED_PYTHON} has no yaml; install python3-yaml")
endif()

function(imagined_api_docs target)
  set(made ${CMAKE_BINARY_DIR}/api_docs.cpp)
  set(tool ${CMAKE_SOURCE_DIR}/tools/api_docs.py)
  set(document ${CMAKE_SOURCE_DIR}/docs/api/openapi.yaml)
  add_custom_command(OUTPUT ${made} COMMAND ${IMAGINED_PYTHON} ${tool} ${document} ${made}
                     DEPENDS ${tool} ${document} VERBATIM)
  target_sources(${target} PRIVATE ${made})
  set_source_files_properties(${made} PROPERTIES COMPILE_OPTIONS "${IMAGINED_COLD_OPTIONS}")
endfunction()
