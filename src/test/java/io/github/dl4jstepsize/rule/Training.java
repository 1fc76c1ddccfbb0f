package io.github.dl4jstepsize.rule;

import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** Trains the parameters of a plain function with a rule: a network's stand-in. */
final class Training extends ArrayBatch {

    private final StepRule rule;
    /** Of the iteration that is under way. */
    private ToDoubleFunction<double[]> function;
    /** Evaluations of the function beyond the one that every training iteration makes. */
    int evaluations;
    /** Makes the direction, and of the gradient its first moment; null for gradient descent. */
    Adam base;
    private final ArrayVector first;
    private final ArrayVector second;
    private int steps;
    /** Makes the direction the opposite of the gradient. */
    boolean turnDirection;

    Training(StepRule rule, double... start) {
        super(rule.memoryVectors(), start);
        this.rule = rule;
        this.size = 128;
        this.first = new ArrayVector(new double[start.length]);
        this.second = new ArrayVector(new double[start.length]);
    }

    /** One iteration on {@code loss}; the gradient is {@code gradient}. */
    Step step(ToDoubleFunction<double[]> loss, Function<double[], double[]> gradient) {
        evaluations = 0;
        function = loss;
        rule.requireLoss(loss(), () -> "a function");
        this.gradient = new ArrayVector(gradient.apply(parameters));
        direction = this.gradient;
        if (base != null) {
            direction.scale(base.follow(direction, first, second, ++steps));
            this.gradient = first;
        }
        if (turnDirection) {
            direction = new ArrayVector(this.gradient.values.clone());
            direction.scale(-1);
        }
        Step chosen = rule.step(this);
        Step step = rule.decaysByItself() ? chosen : chosen.decayed(decay * share);
        move(step);
        return step;
    }

    @Override
    public double loss() {
        return function.applyAsDouble(parameters);
    }

    @Override
    public double loss(double step, Vector along) {
        return step == 0 ? loss() : evaluate(function, step, along);
    }

    private double evaluate(ToDoubleFunction<double[]> loss, double step, Vector along) {
        evaluations++;
        return loss.applyAsDouble(displaced(step, along));
    }

    @Override
    public Losses keep() {
        ToDoubleFunction<double[]> kept = function;
        return (step, along) -> evaluate(kept, step, along);
    }
}
