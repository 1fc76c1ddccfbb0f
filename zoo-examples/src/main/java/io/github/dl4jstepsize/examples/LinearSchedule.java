package io.github.dl4jstepsize.examples;

import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonProperty;

import java.util.Objects;

/**
 * A learning rate that falls linearly, to reach 0 when the training is over: rate * (1 - iteration / iterations). DL4J
 * has no such schedule: its PolySchedule multiplies by (1 + iteration / iterations)^power, which rises.
 */
public final class LinearSchedule implements ISchedule {

    private static final long serialVersionUID = 1;

    @JsonProperty
    private final double rate;
    @JsonProperty
    private final int iterations;

    /**
     * @param rate       of the first iteration
     * @param iterations of the whole training
     */
    public LinearSchedule(@JsonProperty("rate") double rate, @JsonProperty("iterations") int iterations) {
        this.rate = rate;
        this.iterations = iterations;
    }

    @Override
    public double valueAt(int iteration, int epoch) {
        return rate * Math.max(0, 1 - (double) iteration / iterations);
    }

    @Override
    public LinearSchedule clone() {
        return new LinearSchedule(rate, iterations);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LinearSchedule && rate == ((LinearSchedule) other).rate
                && iterations == ((LinearSchedule) other).iterations;
    }

    @Override
    public int hashCode() {
        return Objects.hash(rate, iterations);
    }
}
