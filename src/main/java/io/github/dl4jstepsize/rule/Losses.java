package io.github.dl4jstepsize.rule;

/** The loss of one mini-batch on the lines that leave the current parameters. */
public interface Losses {

    /**
     * The mean loss, regularisation included, at {@code parameters - step * along}: one forward pass in training mode,
     * with the same dropout masks and noise at every step. The parameters are back in place, bit for bit, on return.
     *
     * @param step  distance in units of {@code along}; 0 asks for the current parameters. That costs no pass where the
     *              training pass' own loss is comparable; ask for it <em>after</em> the first trial, because only a
     *              trial shows whether the random numbers of the training pass could be repeated
     * @param along the search direction
     * @return the loss; NaN or infinite where the network's is
     */
    double loss(double step, Vector along);

    /** The loss that is differentiated, where {@link #loss(double, Vector)} is an error of a classification; otherwise this. */
    default Losses differentiated() {
        return this;
    }
}
