package io.github.dl4jstepsize.examples;

import org.nd4j.linalg.factory.Nd4j;

import java.util.Properties;

/** What the examples run on. */
final class Device {

    private Device() {
    }

    /** One line: backend, device, threads. */
    static String description() {
        Properties properties = Nd4j.getExecutioner().getEnvironmentInformation();
        return "Backend " + properties.getProperty("backend") + " (" + Nd4j.getBackend().getClass().getSimpleName()
                + "), BLAS " + properties.getProperty("blas.vendor") + ", "
                + Nd4j.getAffinityManager().getNumberOfDevices() + " device(s), " + System.getProperty("os.arch") + ", "
                + properties.get("omp.threads") + " thread(s)";
    }
}
