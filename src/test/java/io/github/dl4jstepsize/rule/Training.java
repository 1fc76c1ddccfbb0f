package io.github.dl4jstepsize.rule;

import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** Trains the parameters of a plain function with a rule: a network's stand-in, with gradient descent as direction. */
final class Training extends ArrayBatch {

    private final StepRule rule;
    /** Of the iteration that is under way. */
    private ToDoubleFunction<double[]> function;
    /** Evaluations of the function beyond the one that every training iteration makes. */
    int evaluations;
    /** Makes the direction the opposite of the gradient. */
    boolean turnDirection;

    Training(StepRule rule, double... start) {
        super(rule.memoryVectors(), start);
        this.rule = rule;
        this.size = 128;
    }

    /** One iteration on {@code loss}; the gradient is {@code gradient}. */
    Step step(ToDoubleFunction<double[]> loss, Function<double[], double[]> gradient) {
        evaluations = 0;
        function = loss;
        rule.requireLoss(loss(), () -> "a function");
        this.gradient = new ArrayVector(gradient.apply(parameters));
        direction = this.gradient;
        if (turnDirection) {
            direction = new ArrayVector(this.gradient.values.clone());
            direction.scale(-1);
        }
        Step step = rule.step(this);
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
