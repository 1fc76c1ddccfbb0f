package io.github.dl4jstepsize.rule;

/** What a rule decided: the parameters move by {@code -factor * batch.direction()}. */
public final class Step {

    private final double learningRate;
    private final double stepSize;
    private final boolean searched;
    private final Outcome outcome;
    private final double factor;

    private Step(double learningRate, double stepSize, boolean searched, Outcome outcome, double factor) {
        this.learningRate = learningRate;
        this.stepSize = stepSize;
        this.searched = searched;
        this.outcome = outcome;
        this.factor = factor;
    }

    /** A step that was measured in this iteration. */
    public static Step searched(double learningRate, double stepSize, Outcome outcome) {
        return new Step(learningRate, stepSize, true, outcome, learningRate);
    }

    /** A step that was chosen without looking along the line. */
    public static Step chosen(double learningRate, double stepSize, Outcome outcome) {
        return new Step(learningRate, stepSize, false, outcome, learningRate);
    }

    /**
     * The same step where the learning rate is not the factor on {@link TrainingBatch#direction()}: on a line that is
     * walked over several batches it counts from the line's beginning, and an average's normalisation is no part of it.
     */
    public Step moving(double factor) {
        return new Step(learningRate, stepSize, searched, outcome, factor);
    }

    /** The same step, shorter; the method's own step size stays what it is. */
    public Step decayed(double decay) {
        return new Step(decay * learningRate, stepSize, searched, outcome, decay * factor);
    }

    /** Factor on {@link TrainingBatch#direction()}; 0 leaves the parameters where they are. */
    public double factor() {
        return factor;
    }

    /** The method's learning rate: its factor on the direction before any normalisation. */
    public double learningRate() {
        return learningRate;
    }

    /** The method's own step size, along the unit direction where the method normalises. */
    public double stepSize() {
        return stepSize;
    }

    /** Whether this iteration measured along the line. */
    public boolean searched() {
        return searched;
    }

    /** Why this step. */
    public Outcome outcome() {
        return outcome;
    }
}
