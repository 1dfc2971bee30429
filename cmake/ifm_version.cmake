# Run at every build (cmake -P) to write version.cpp from its template: version, commit and compiler of this build. The file is
# touched only when its content changes.
# In: IFM_SOURCE, IFM_TEMPLATE, IFM_OUTPUT, IFM_VERSION, IFM_COMPILER, IFM_FLAGS
set(IFM_COMMIT "")
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${IFM_SOURCE} -c safe.directory=* describe --always --dirty --abbrev=12 --exclude=*
                  OUTPUT_VARIABLE IFM_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT IFM_COMMIT)
  set(IFM_COMMIT unknown)
endif()
configure_file(${IFM_TEMPLATE} ${IFM_OUTPUT} @ONLY)
