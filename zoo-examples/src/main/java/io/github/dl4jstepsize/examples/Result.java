package io.github.dl4jstepsize.examples;

import org.apache.commons.math3.stat.descriptive.rank.Median;

import java.util.ArrayList;
import java.util.List;

/** What was measured of one updater with one seed; written to results.json as it is. */
final class Result {

    /** DL4J's own forward and backward pass in units of a forward pass: the backward pass computes twice as much. */
    private static final int PASSES_OF_AN_ITERATION = 3;

    public String updater;
    public long seed;
    /** Complete epochs. */
    public int epochs;

    /** Why training ended early; null if it did not. */
    public String failure;

    /** Per iteration: loss of the batch before the step, step size, time, extra passes. */
    public List<Double> loss = new ArrayList<>();
    public List<Double> stepSize = new ArrayList<>();
    public List<Double> seconds = new ArrayList<>();
    public List<Integer> forwardPasses = new ArrayList<>();
    public List<Integer> gradientPasses = new ArrayList<>();

    /** After how many iterations the network was tested, and how it did. */
    public List<Integer> testIterations = new ArrayList<>();
    public List<Double> testQuality = new ArrayList<>();


    Result() {
    }

    Result(String updater, long seed) {
        this.updater = updater;
        this.seed = seed;
    }

    /** The mean loss of the last complete epoch's batches; NaN after a failure. */
    double trainLoss() {
        if (failure != null) {
            return Double.NaN;
        }
        int iterations = loss.size();
        int lastEpoch = iterations / Math.max(1, epochs);
        return loss.subList(iterations - lastEpoch, iterations).stream().mapToDouble(Double::doubleValue).average()
                .orElse(Double.NaN);
    }

    /** At the end; NaN after a failure. */
    double finalQuality() {
        return failure != null || testQuality.isEmpty() ? Double.NaN : testQuality.get(testQuality.size() - 1);
    }

    double medianSeconds() {
        return new Median().evaluate(seconds.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** The median over the iterations of this updater's time as a ratio to another's for the same batch. */
    double timeRatio(Result other) {
        double[] ratios = new double[Math.min(seconds.size(), other.seconds.size())];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = seconds.get(i) / other.seconds.get(i);
        }
        return new Median().evaluate(ratios);
    }

    double totalSeconds() {
        return seconds.stream().mapToDouble(Double::doubleValue).sum();
    }

    double extraForwardPasses() {
        return forwardPasses.stream().mapToInt(Integer::intValue).average().orElse(Double.NaN);
    }

    double extraGradientPasses() {
        return gradientPasses.stream().mapToInt(Integer::intValue).average().orElse(Double.NaN);
    }

    /** Work after each iteration, in units of a forward pass. */
    double[] forwardEquivalents() {
        double[] sums = new double[loss.size()];
        double sum = 0;
        for (int i = 0; i < sums.length; i++) {
            sum += PASSES_OF_AN_ITERATION + forwardPasses.get(i) + PASSES_OF_AN_ITERATION * gradientPasses.get(i);
            sums[i] = sum;
        }
        return sums;
    }
}
