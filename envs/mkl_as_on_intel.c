/* Loaded before torch, tells its MKL that the processor is one of Intel's: by this function MKL chooses, and on others
   takes a slower way, in 256 bits where they have 512. Which instructions there are it asks the processor all the same. */
int mkl_serv_intel_cpu_true(void) { return 1; }
