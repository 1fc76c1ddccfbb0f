package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;

/** What happened in one training iteration. */
public final class StepRecord {

    private final int iteration;
    private final int epoch;
    private final double loss;
    private final Step step;
    private final int forwardPasses;
    private final int gradientPasses;

    StepRecord(int iteration, int epoch, double loss, Step step, int forwardPasses, int gradientPasses) {
        this.iteration = iteration;
        this.epoch = epoch;
        this.loss = loss;
        this.step = step;
        this.forwardPasses = forwardPasses;
        this.gradientPasses = gradientPasses;
    }

    Step step() {
        return step;
    }

    /** DL4J's count of iterations, from 0. */
    public int iteration() {
        return iteration;
    }

    /** DL4J's count of epochs, from 0. */
    public int epoch() {
        return epoch;
    }

    /** The mean loss of this batch before the step, regularisation included: DL4J's score. */
    public double loss() {
        return loss;
    }

    /** The step along the direction; along the unit direction where the method normalises. NaN if there is none yet. */
    public double stepSize() {
        return step.stepSize();
    }

    /**
     * The factor on the un-normalised direction by which the parameters moved, 0 if they stayed; for methods that walk
     * along a line over several iterations, counted from the line's beginning.
     */
    public double learningRate() {
        return step.learningRate();
    }

    /** Forward passes beyond DL4J's own. */
    public int forwardPasses() {
        return forwardPasses;
    }

    /** Forward and backward passes over this batch, as a whole or in parts, beyond DL4J's own. */
    public int gradientPasses() {
        return gradientPasses;
    }

    /** Whether this iteration measured something for a search. */
    public boolean searched() {
        return step.searched();
    }

    /** Why this step. */
    public Outcome outcome() {
        return step.outcome();
    }

    @Override
    public String toString() {
        return "iteration " + iteration + ", epoch " + epoch + ": loss " + loss + ", step size " + stepSize()
                + ", learning rate " + learningRate() + ", " + outcome() + ", " + forwardPasses + " extra forward and "
                + gradientPasses + " extra gradient passes";
    }
}
