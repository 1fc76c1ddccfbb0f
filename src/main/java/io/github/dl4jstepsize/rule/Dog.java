package io.github.dl4jstepsize.rule;

/**
 * DoG, distance over gradients: stochastic gradient descent whose step follows from how far the parameters have come and
 * how large the gradients were.
 * <pre>
 *   r   = max(initialDistance (1 + |x_0|), |x_0 - x_0|, ..., |x_t - x_0|)
 *   G   = |g_0|^2 + ... + |g_t|^2
 *   eta = r / sqrt(G + epsilon)
 *   parameters -= eta g
 * </pre>
 * No extra pass. One memory vector, for x_0.
 * <p>
 * Source: M. Ivgi, O. Hinder, Y. Carmon, "DoG is SGD's best friend: a parameter-free dynamic step size schedule", 2023,
 * equation (DoG) and section 4; as the published code, without its factor c on the step, which is 1 there.
 */
public final class Dog implements StepRule {

    private final double initialDistance;
    private final double epsilon;

    /** r; 0 before the first step. */
    private double distance;
    private double squaredGradients;

    /**
     * @param initialDistance what r is at first, in units of 1 + |x_0|
     * @param epsilon         added to G
     */
    public Dog(double initialDistance, double epsilon) {
        this.initialDistance = initialDistance;
        this.epsilon = epsilon;
    }

    @Override
    public boolean looksAhead() {
        return false;
    }

    @Override
    public Step step(TrainingBatch batch) {
        Vector gradient = batch.direction();
        double squares = squaredGradients + gradient.dot(gradient);
        if (!Double.isFinite(squares)) {
            return Step.chosen(0, 0, Outcome.NOT_FINITE);
        }
        squaredGradients = squares;

        Vector start = batch.memory(0);
        if (distance == 0) {
            start.assign(batch.parameters());
            distance = initialDistance * (1 + start.norm());
        }
        distance = Math.max(distance, batch.parameters().distance(start));

        double rate = distance / Math.sqrt(squaredGradients + epsilon);
        return Step.chosen(rate, rate, Outcome.ESTIMATED);
    }

    @Override
    public void state(Scalars scalars) {
        distance = scalars.next(distance);
        squaredGradients = scalars.next(squaredGradients);
    }

    @Override
    public int memoryVectors() {
        return 1;
    }
}
