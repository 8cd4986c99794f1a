# A room of src/ is compiled as one unit, forty files at most: more than half of a build was the same
# headers read and the same templates made again in each file (docs/decisions/0014). What files of a
# room keep in their anonymous namespaces therefore shares one unit and needs names of its own.
# Off, each file is compiled alone, for whoever changes one file again and again.
option(IMAGINED_UNITS "Compile the files of a room together" OFF)
set(IMAGINED_UNIT_FILES_MAX 40)
# Rooms that are one unit together with those in them.
set(IMAGINED_WHOLE_ROOMS "^(.*/src/(storage|api/http))/")
# Compiled alone: what is for another processor, and what bench/instant.cpp brings of its own.
set(IMAGINED_ALONE "${IMAGINED_PROCESSOR_FILE}|/src/engine/load\\.cpp$")
if(IMAGINED_UNITS AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # To GCC every file but the first of a unit is a header, in which anonymous names would be a fault.
  target_compile_options(imagined_compiler INTERFACE -Wno-subobject-linkage)
endif()

# imagined_units(RESULT SOURCES): what to compile in the place of these sources.
function(imagined_units result sources)
  set(units)
  set(rooms)
  foreach(source ${sources})
    get_filename_component(room ${source} DIRECTORY)
    if(room MATCHES "${IMAGINED_WHOLE_ROOMS}")
      set(room ${CMAKE_MATCH_1})
    endif()
    if(IMAGINED_UNITS AND NOT source MATCHES "${IMAGINED_ALONE}")
      list(APPEND rooms ${room})
      list(APPEND in_${room} ${source})
    else()
      list(APPEND units ${source})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES rooms)
  foreach(room ${rooms})
    list(LENGTH in_${room} count)
    math(EXPR parts "(${count} + ${IMAGINED_UNIT_FILES_MAX} - 1) / ${IMAGINED_UNIT_FILES_MAX}")
    math(EXPR size "(${count} + ${parts} - 1) / ${parts}")
    math(EXPR last "${count} - 1")
    file(RELATIVE_PATH place ${CMAKE_SOURCE_DIR} ${room})
    foreach(first RANGE 0 ${last} ${size})
      list(SUBLIST in_${room} ${first} ${size} files)
      # Paths from src/ on, so that a compiler cache serves every checkout.
      list(TRANSFORM files REPLACE "^${CMAKE_SOURCE_DIR}/src/(.*)$" "#include \"\\1\"\n")
      list(JOIN files "" text)
      set(unit ${CMAKE_BINARY_DIR}/units/${place}/from_${first}.cpp)
      file(CONFIGURE OUTPUT ${unit} CONTENT "${text}" @ONLY)
      list(APPEND units ${unit})
    endforeach()
  endforeach()
  set(${result} ${units} PARENT_SCOPE)
endfunction()
