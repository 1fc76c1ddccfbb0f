package io.github.dl4jstepsize.rule;

/** How an iteration came by its step. */
public enum Outcome {
    /** A parabola through the measurements has its minimum ahead; the step is derived from it. */
    MINIMUM,
    /** As MINIMUM, ACCEPTED, DOWNHILL or LINEARIZED, but the step was cut to the maximum step size. */
    MAXIMUM_STEP,
    /** A trial met the condition of the search: its step is taken. */
    ACCEPTED,
    /** No trial met the condition: the parameters stay. (With published settings: the published code's substitute.) */
    REJECTED,
    /** The line falls and does not curve upwards: the step is the distance that was measured, or the one in use. */
    DOWNHILL,
    /** The line does not fall, so that nothing could be measured: the step in use is taken; without one, none. */
    NO_DESCENT,
    /** This batch was measured for a search that is not finished; the parameters stay. */
    MEASURED,
    /** This batch's gradient was added to an update that is not finished; the parameters stay. */
    ACCUMULATED,
    /** The step size of an earlier search was used again. */
    REUSED,
    /** The search of this line goes on: the parameters moved to its next point, which the next batch will measure. */
    WALKED,
    /** The search of this line ended at the parameters' place; they moved on to the first point of the next line. */
    NEXT_LINE,
    /** A single example says nothing about noise: the parameters stay. */
    TOO_FEW_EXAMPLES,
    /** The step takes the linearised loss part of the way down to its smallest attainable value, or a multiple of it. */
    LINEARIZED,
    /** The step is not measured: it follows from the shape of the network, the size of the batch and the warm-up. */
    CONSTANT,
    /** As LINEARIZED, but beyond the bounds: the step is the smallest or the longest one that is allowed. */
    BOUNDED,
    /** The step follows from an estimate of how far away the solution is. */
    ESTIMATED,
    /** A loss or a gradient was NaN or infinite, or a trial that a parabola or a process needs; the parameters stay. */
    NOT_FINITE
}
