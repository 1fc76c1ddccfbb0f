package io.github.dl4jstepsize.rule;

/**
 * A vector of the space of trained parameters, as a rule sees it: one number per parameter that the rule's updater is
 * configured for. Parameters of other updaters, frozen parameters and running statistics have no place in it.
 * <p>
 * On a network each call is a handful of ND4J operations on views; {@link #dot} and {@link #norm} read one scalar back
 * from the device per block of parameters.
 */
public interface Vector {

    /** The number of elements. */
    long length();

    /** Inner product with another vector of the same space. */
    double dot(Vector other);

    /** Euclidean norm. */
    double norm();

    /** {@code this = other}. */
    void assign(Vector other);

    /** {@code this = factor * this}. */
    void scale(double factor);

    /** {@code this = this + factor * other}. */
    void add(double factor, Vector other);

    /** {@code this = this + factor * other * other}, element by element. */
    void addSquares(double factor, Vector other);

    /** Inner product with the squares of another vector's elements. */
    double dotSquares(Vector other);

    /** Inner product with the square roots of another vector's elements. */
    double dotRoot(Vector squares);

    /** Inner product with {@code minuend - subtrahend}. */
    double dotDifference(Vector minuend, Vector subtrahend);

    /** Euclidean norm of {@code this - other}. */
    double distance(Vector other);

    /** {@code this = this * other}, element by element. */
    void multiply(Vector other);

    /** Sum of the elements' absolute values. */
    double norm1();

    /** {@code this = this / (sqrt(squares) + epsilon)}, element by element. */
    void divideByRoot(Vector squares, double epsilon);

    /**
     * {@code this = this / (sqrt(decay * squares + (1 - decay) * gradient * gradient) + epsilon)}, element by element: a
     * running average of squares that is not kept.
     */
    void divideByRoot(Vector squares, double decay, Vector gradient, double epsilon);

    /**
     * Adam without bias corrections: takes this vector, a gradient, into both moments, and turns it into
     * {@code first / (sqrt(second) + epsilon)}, element by element.
     *
     * @param first  becomes {@code beta1 * first + (1 - beta1) * this}
     * @param second becomes {@code beta2 * second + (1 - beta2) * this * this}
     */
    void adam(Vector first, Vector second, double beta1, double beta2, double epsilon);
}
