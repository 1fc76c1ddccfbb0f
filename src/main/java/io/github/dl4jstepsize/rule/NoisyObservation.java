package io.github.dl4jstepsize.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Loss and slope at a point of a line, and the variances of both, as a batch tells them. The formulas are at {@link Pls}. */
final class NoisyObservation {

    final double loss;
    final double slope;
    final double lossVariance;
    final double slopeVariance;

    private NoisyObservation(double loss, double slope, double lossVariance, double slopeVariance) {
        this.loss = loss;
        this.slope = slope;
        this.lossVariance = lossVariance;
        this.slopeVariance = slopeVariance;
    }

    /** A sum of squared deviations over it is the variance of the batch's mean. */
    private static double divisor(int parts, int size, boolean asPublished) {
        return (parts - 1.0) * (asPublished ? 1 : size);
    }

    /** What the training pass tells, and one more on each of a few parts of its batch. */
    static final class Parts {

        /** K. */
        private static final int COUNT = 4;

        private final boolean asPublished;
        private final Part whole;
        private final List<Part> parts = new ArrayList<>();

        Parts(TrainingBatch batch, Vector line, boolean asPublished) {
            this.asPublished = asPublished;
            whole = new Part(batch.size(), batch.loss(), batch.gradient(), line, batch.gradient());
            // The batch's gradient is asked for anew, because the vector that was it is lent to the part meanwhile.
            batch.gradients(0, null, Math.min(COUNT, batch.size()), (examples, partLoss, gradient) ->
                    parts.add(new Part(examples, partLoss, gradient, line, batch.gradient())));
        }

        /** The gradient's inner product with the line. */
        double slopeAlongLine() {
            return whole.slopeAlongLine;
        }

        /** The gradient's. */
        double squaredLength() {
            return whole.slopeAlongGradient;
        }

        /** Along a combination of the line and the gradient. */
        NoisyObservation along(double ofLine, double ofGradient) {
            return new NoisyObservation(whole.loss, whole.slope(ofLine, ofGradient),
                    variance(part -> part.loss), variance(part -> part.slope(ofLine, ofGradient)));
        }

        private double variance(ToDoubleFunction<Part> value) {
            double mean = 0;
            for (Part part : parts) {
                mean += part.size * value.applyAsDouble(part) / whole.size;
            }
            double sum = 0;
            for (Part part : parts) {
                // The mean of k examples has a k-th of an example's variance.
                sum += part.size * Math.pow(value.applyAsDouble(part) - mean, 2);
            }
            return sum / divisor(parts.size(), whole.size, asPublished);
        }
    }

    /** Loss of some examples and its slopes along the line and along the whole batch's gradient. */
    private static final class Part {

        private final int size;
        private final double loss;
        private final double slopeAlongLine;
        private final double slopeAlongGradient;

        private Part(int size, double loss, Vector gradient, Vector line, Vector gradientOfBatch) {
            this.size = size;
            this.loss = loss;
            slopeAlongLine = gradient.dot(line);
            slopeAlongGradient = gradient.dot(gradientOfBatch);
        }

        private double slope(double ofLine, double ofGradient) {
            return ofLine * slopeAlongLine + ofGradient * slopeAlongGradient;
        }
    }

    /** Losses and gradients of the examples of a batch, one by one. */
    static final class Examples {

        private final Vector variances;
        private double loss;
        private double lossVariance;

        /**
         * Measured at {@code parameters - step * along}.
         *
         * @param mean      takes the mean gradient
         * @param variances takes the variances of its elements
         */
        Examples(TrainingBatch batch, double step, Vector along, Vector mean, Vector variances, boolean asPublished) {
            this.variances = variances;
            mean.scale(0);
            variances.scale(0);
            int size = batch.size();
            batch.gradients(step, along, size, (one, exampleLoss, gradient) -> {
                loss += exampleLoss / size;
                lossVariance += exampleLoss * exampleLoss;
                mean.add(1.0 / size, gradient);
                variances.addSquares(1, gradient);
            });
            double divisor = divisor(size, size, asPublished);
            lossVariance = Math.max(lossVariance - size * loss * loss, 0) / divisor;
            // The published code: sum g_i^2 - g^2.
            variances.addSquares(asPublished ? -1 : -size, mean);
            variances.scale(1 / divisor);
        }

        /** @param gradient the mean one, or what stands for it */
        NoisyObservation along(Vector gradient, Vector line) {
            return new NoisyObservation(loss, gradient.dot(line), lossVariance, Math.max(variances.dotSquares(line), 0));
        }
    }
}
