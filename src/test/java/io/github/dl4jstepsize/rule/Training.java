package io.github.dl4jstepsize.rule;

import java.util.Arrays;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** Trains the parameters of a plain function with a rule: a network's stand-in, with gradient descent as direction. */
final class Training {

    final double[] parameters;
    private final StepRule rule;
    private final ArrayVector[] memory;
    private final ArrayVector[] scratch = new ArrayVector[2];
    /** Evaluations of the function beyond the one that every training iteration makes. */
    int evaluations;
    int batchesPerEpoch;
    int examplesPerEpoch;
    int batchSize = 128;
    double decay = 1;
    /** What a base updater would keep. */
    ArrayVector squaredGradient;
    /** Makes the direction the opposite of the gradient. */
    boolean turnDirection;

    Training(StepRule rule, double... start) {
        this.rule = rule;
        this.parameters = start.clone();
        this.memory = new ArrayVector[rule.memoryVectors()];
        for (int i = 0; i < memory.length; i++) {
            memory[i] = new ArrayVector(new double[start.length]);
        }
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = new ArrayVector(new double[start.length]);
        }
    }

    /** One iteration on {@code loss}; the gradient is {@code gradient}. */
    Step step(ToDoubleFunction<double[]> loss, Function<double[], double[]> gradient) {
        evaluations = 0;
        rule.requireLoss(loss.applyAsDouble(parameters), () -> "a function");
        ArrayVector direction = new ArrayVector(gradient.apply(parameters));
        ArrayVector copy = new ArrayVector(direction.values.clone());
        if (turnDirection) {
            direction.scale(-1);
        }
        Step step = rule.step(new FunctionBatch(loss, turnDirection ? copy : direction, direction));
        if (step.factor() != 0) {
            for (int i = 0; i < parameters.length; i++) {
                parameters[i] -= step.factor() * direction.values[i];
            }
        }
        return step;
    }

    private final class FunctionBatch implements TrainingBatch {

        private final ToDoubleFunction<double[]> function;
        private final ArrayVector gradient;
        private final ArrayVector direction;

        private FunctionBatch(ToDoubleFunction<double[]> function, ArrayVector gradient, ArrayVector direction) {
            this.function = function;
            this.gradient = gradient;
            this.direction = direction;
        }

        @Override
        public double loss() {
            return function.applyAsDouble(parameters);
        }

        @Override
        public double loss(double step, Vector along) {
            if (step == 0) {
                return loss();
            }
            evaluations++;
            return at(step, along);
        }

        private double at(double step, Vector along) {
            double[] point = Arrays.copyOf(parameters, parameters.length);
            for (int i = 0; i < point.length; i++) {
                point[i] -= step * ((ArrayVector) along).values[i];
            }
            return function.applyAsDouble(point);
        }

        @Override
        public Vector gradient() {
            return gradient;
        }

        @Override
        public Vector direction() {
            return direction;
        }

        @Override
        public Vector memory(int index) {
            return memory[index];
        }

        @Override
        public Vector scratch(int index) {
            return scratch[index];
        }

        @Override
        public Vector parameters() {
            return new ArrayVector(parameters);
        }

        @Override
        public Vector weightScale() {
            double[] ones = new double[parameters.length];
            Arrays.fill(ones, 1);
            return new ArrayVector(ones);
        }

        @Override
        public Vector squaredGradient() {
            return squaredGradient;
        }

        @Override
        public double decay() {
            return decay;
        }

        @Override
        public int size() {
            return batchSize;
        }

        @Override
        public int batchesPerEpoch() {
            return batchesPerEpoch;
        }

        @Override
        public int examplesPerEpoch() {
            return examplesPerEpoch;
        }

        @Override
        public void gradients(double step, Vector along, int parts, GradientConsumer consumer) {
            throw new UnsupportedOperationException("a function is not made of examples");
        }

        @Override
        public Losses keep() {
            return (step, along) -> {
                evaluations++;
                return at(step, along);
            };
        }
    }
}
