# Its threads and the embedded engine's: alone on the machine, as test_parity.
ifm_test(test_llama_cpp SOURCES engine/llama_cpp_test.cpp LINK ifm_engine ifm_hub PROPERTIES PROCESSORS 2)
