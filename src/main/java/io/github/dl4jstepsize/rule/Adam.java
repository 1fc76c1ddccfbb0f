package io.github.dl4jstepsize.rule;

/**
 * The moments of Adam, and what they make of a gradient g:
 * <pre>
 *   m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2
 *   m_hat = m / (1 - beta1^t)            v_hat = v / (1 - beta2^t)
 *   preconditioned x = x / (sqrt(v_hat) + epsilon)
 * </pre>
 */
final class Adam {

    private final double beta1;
    private final double beta2;
    private final double epsilon;

    Adam(double beta1, double beta2, double epsilon) {
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.epsilon = epsilon;
    }

    /**
     * Takes {@code gradient} into both moments, and turns it into {@code m_hat / (sqrt(v_hat) + epsilon)} but for a factor:
     * all in one pass.
     *
     * @return the factor that is missing
     */
    double follow(Vector gradient, Vector first, Vector second, int t) {
        double root = root(t);
        gradient.adam(first, second, beta1, beta2, epsilon * root);
        return root / (1 - Math.pow(beta1, t));
    }

    /** Turns {@code vector} into the m_hat that it would make of the first moment, which stays as it is. */
    void average(Vector vector, Vector first, int t) {
        double unbiased = 1 - Math.pow(beta1, t);
        vector.scale((1 - beta1) / unbiased);
        vector.add(beta1 / unbiased, first);
    }

    /** Takes {@code gradient} into the first moment. */
    void updateFirst(Vector first, Vector gradient) {
        first.scale(beta1);
        first.add(1 - beta1, gradient);
    }

    /** Takes {@code gradient} into the second moment. */
    void updateSecond(Vector second, Vector gradient) {
        second.scale(beta2);
        second.addSquares(1 - beta2, gradient);
    }

    /** Divides {@code vector} by the sqrt(v_hat) + epsilon that the gradient would make of the second moment, which stays. */
    void precondition(Vector vector, Vector gradient, Vector second, int t) {
        double root = root(t);
        vector.divideByRoot(second, beta2, gradient, epsilon * root);
        vector.scale(root);
    }

    /** sqrt(k) in x / (sqrt(v / k) + epsilon) = x sqrt(k) / (sqrt(v) + epsilon sqrt(k)), which spares a pass over v. */
    private double root(int t) {
        return Math.sqrt(1 - Math.pow(beta2, t));
    }
}
