package io.github.dl4jstepsize.examples;

import java.util.ArrayList;
import java.util.List;

/** Values over training iterations. */
final class Curve {

    final List<Double> iterations = new ArrayList<>();
    final List<Double> values = new ArrayList<>();

    void add(double iteration, double value) {
        iterations.add(iteration);
        values.add(value);
    }

    /** The points that a logarithmic axis can show. */
    Curve positive() {
        Curve positive = new Curve();
        for (int i = 0; i < values.size(); i++) {
            if (values.get(i) > 0 && Double.isFinite(values.get(i))) {
                positive.add(iterations.get(i), values.get(i));
            }
        }
        return positive;
    }

    /** The exponential running mean with the given time constant, corrected for its start at 0. */
    Curve runningMean(double timeConstant) {
        Curve mean = new Curve();
        double sum = 0;
        double weight = 0;
        for (int i = 0; i < values.size(); i++) {
            sum += (values.get(i) - sum) / timeConstant;
            weight += (1 - weight) / timeConstant;
            mean.add(iterations.get(i), sum / weight);
        }
        return mean;
    }

    /** About as many points as given. */
    Curve thinned(int points) {
        Curve thinned = new Curve();
        int every = Math.max(1, values.size() / points);
        for (int i = 0; i < values.size(); i += every) {
            thinned.add(iterations.get(i), values.get(i));
        }
        return thinned;
    }

    double meanOfLast(int number) {
        return values.subList(Math.max(0, values.size() - number), values.size()).stream()
                .mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    }

    double last() {
        return values.isEmpty() ? Double.NaN : values.get(values.size() - 1);
    }
}
