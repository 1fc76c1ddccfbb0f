package io.github.dl4jstepsize.rule;

/** What a rule decided: the parameters move by {@code -learningRate * direction}. */
public final class Step {

    private final double learningRate;
    private final double stepSize;
    private final boolean searched;
    private final Outcome outcome;

    private Step(double learningRate, double stepSize, boolean searched, Outcome outcome) {
        this.learningRate = learningRate;
        this.stepSize = stepSize;
        this.searched = searched;
        this.outcome = outcome;
    }

    /** A step that was measured in this iteration. */
    public static Step searched(double learningRate, double stepSize, Outcome outcome) {
        return new Step(learningRate, stepSize, true, outcome);
    }

    /** A step that was chosen without looking along the line. */
    public static Step chosen(double learningRate, double stepSize, Outcome outcome) {
        return new Step(learningRate, stepSize, false, outcome);
    }

    /** Factor on {@link TrainingBatch#direction()}; 0 leaves the parameters where they are. */
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
