package io.github.dl4jstepsize.rule;

import java.util.Arrays;

/** A training batch whose vectors are arrays: what iterations without a network have in common. */
abstract class ArrayBatch implements TrainingBatch {

    final double[] parameters;
    /** Of the iteration that is under way. */
    ArrayVector gradient;
    ArrayVector direction;
    /** What a base updater would keep. */
    ArrayVector squaredGradient;
    /** Ones, if nobody changes it. */
    final double[] weightScale;
    private final ArrayVector[] memory;
    private final ArrayVector scratch;
    int size = 64;
    int batchesPerEpoch;
    int epochs;
    int examplesPerEpoch;
    boolean repeatsData = true;
    double decay = 1;
    double nextDecay = 1;
    /** The last ones are biases, which do not decay. */
    int biases;
    double inputSize = 1;
    double ignorance = Double.NaN;
    double share = 1;
    boolean decays;
    /** Of the parameters. */
    double largestNorm = Double.POSITIVE_INFINITY;
    /** Where it is another one than what is searched on. */
    Losses differentiated;

    ArrayBatch(int memoryVectors, double... start) {
        parameters = start.clone();
        weightScale = new double[start.length];
        Arrays.fill(weightScale, 1);
        memory = vectors(memoryVectors, start.length);
        scratch = new ArrayVector(new double[start.length]);
    }

    private static ArrayVector[] vectors(int count, int length) {
        ArrayVector[] vectors = new ArrayVector[count];
        Arrays.setAll(vectors, i -> new ArrayVector(new double[length]));
        return vectors;
    }

    /** Makes a step along the direction. */
    void move(Step step) {
        if (step.factor() != 0) {
            new ArrayVector(parameters).add(-step.factor(), direction);
        }
        if (isConstrained()) {
            constrain(new ArrayVector(parameters));
        }
    }

    /** The point at a distance in units of {@code along}. */
    double[] displaced(double step, Vector along) {
        ArrayVector displaced = new ArrayVector(parameters.clone());
        displaced.add(-step, along);
        return displaced.values;
    }

    @Override
    public Losses differentiated() {
        return differentiated == null ? this : differentiated;
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
    public boolean isConstrained() {
        return largestNorm < Double.POSITIVE_INFINITY;
    }

    @Override
    public void constrain(Vector point) {
        point.scale(Math.min(1, largestNorm / point.norm()));
    }

    @Override
    public Vector scratch() {
        return scratch;
    }

    @Override
    public Vector parameters() {
        return new ArrayVector(parameters);
    }

    @Override
    public void weightScale(Vector result) {
        result.assign(new ArrayVector(weightScale));
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
    public double nextDecay() {
        return nextDecay;
    }

    @Override
    public double ignorance() {
        return ignorance;
    }

    @Override
    public double inputSize() {
        return inputSize;
    }

    @Override
    public void decayWeights(double part) {
        for (int i = 0; i < parameters.length - biases; i++) {
            direction.values[i] += part * parameters[i];
        }
    }

    @Override
    public double share() {
        return share;
    }

    @Override
    public boolean decays() {
        return decays;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int batchesPerEpoch() {
        return batchesPerEpoch;
    }

    @Override
    public boolean repeatsData() {
        return repeatsData;
    }

    @Override
    public int epochs() {
        return epochs;
    }

    @Override
    public int examplesPerEpoch() {
        return examplesPerEpoch;
    }

    @Override
    public void gradients(double step, Vector along, int parts, GradientConsumer consumer) {
        throw new UnsupportedOperationException("a function is not made of examples");
    }
}
