package io.github.dl4jstepsize.examples;

import java.util.stream.DoubleStream;

/** Summaries of samples. */
final class Statistics {

    private Statistics() {
    }

    static double mean(double... values) {
        return DoubleStream.of(values).average().orElse(Double.NaN);
    }

    /** The sample's standard deviation; NaN for a single value. */
    static double deviation(double... values) {
        double mean = mean(values);
        double squares = DoubleStream.of(values).map(value -> (value - mean) * (value - mean)).sum();
        return Math.sqrt(squares / (values.length - 1));
    }

    static double median(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length == 0 ? Double.NaN
                : sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** Pearson's. */
    static double correlation(double[] x, double[] y) {
        double meanX = mean(x);
        double meanY = mean(y);
        double covariance = 0;
        for (int i = 0; i < x.length; i++) {
            covariance += (x[i] - meanX) * (y[i] - meanY);
        }
        return covariance / ((x.length - 1) * deviation(x) * deviation(y));
    }
}
