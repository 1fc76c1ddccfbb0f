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

    /** Turns {@code vector} into {@code beta1 * first + (1 - beta1) * vector}. */
    void average(Vector vector, Vector first) {
        vector.scale(1 - beta1);
        vector.add(beta1, first);
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

    /** Turns {@code vector} into {@code vector / (sqrt(v_hat) + epsilon)}. */
    void precondition(Vector vector, Vector second, int t) {
        divide(vector, second, t, 1);
    }

    /** Turns {@code vector}, a first moment, into {@code m_hat / (sqrt(v_hat) + epsilon)}. */
    void preconditionMoment(Vector vector, Vector second, int t) {
        divide(vector, second, t, 1 - Math.pow(beta1, t));
    }

    private void divide(Vector vector, Vector second, int t, double firstCorrection) {
        // x / (sqrt(v / k) + epsilon) = x sqrt(k) / (sqrt(v) + epsilon sqrt(k)) spares a pass over v.
        double root = Math.sqrt(1 - Math.pow(beta2, t));
        vector.scale(root / firstCorrection);
        vector.divideByRoot(second, epsilon * root);
    }
}
