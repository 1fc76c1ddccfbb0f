package io.github.dl4jstepsize.rule;

import java.util.Arrays;

/** A vector in a double array. */
final class ArrayVector implements Vector {

    final double[] values;

    ArrayVector(double... values) {
        this.values = values;
    }

    @Override
    public long length() {
        return values.length;
    }

    @Override
    public double dot(Vector other) {
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += values[i] * ((ArrayVector) other).values[i];
        }
        return sum;
    }

    @Override
    public double norm() {
        return Math.sqrt(dot(this));
    }

    @Override
    public void assign(Vector other) {
        System.arraycopy(((ArrayVector) other).values, 0, values, 0, values.length);
    }

    @Override
    public void scale(double factor) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
    }

    @Override
    public void addSquares(double factor, Vector other) {
        for (int i = 0; i < values.length; i++) {
            values[i] += factor * ((ArrayVector) other).values[i] * ((ArrayVector) other).values[i];
        }
    }

    @Override
    public double dotSquares(Vector other) {
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += values[i] * ((ArrayVector) other).values[i] * ((ArrayVector) other).values[i];
        }
        return sum;
    }

    @Override
    public double dotRoot(Vector squares) {
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += values[i] * Math.sqrt(((ArrayVector) squares).values[i]);
        }
        return sum;
    }

    @Override
    public double dotDifference(Vector minuend, Vector subtrahend) {
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += values[i] * (((ArrayVector) minuend).values[i] - ((ArrayVector) subtrahend).values[i]);
        }
        return sum;
    }

    @Override
    public double distance(Vector other) {
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += Math.pow(values[i] - ((ArrayVector) other).values[i], 2);
        }
        return Math.sqrt(sum);
    }

    @Override
    public void add(double factor, Vector other) {
        for (int i = 0; i < values.length; i++) {
            values[i] += factor * ((ArrayVector) other).values[i];
        }
    }

    @Override
    public void multiply(Vector other) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= ((ArrayVector) other).values[i];
        }
    }

    @Override
    public double norm1() {
        return Arrays.stream(values).map(Math::abs).sum();
    }

    @Override
    public void divideByRoot(Vector squares, double epsilon) {
        for (int i = 0; i < values.length; i++) {
            values[i] /= Math.sqrt(((ArrayVector) squares).values[i]) + epsilon;
        }
    }

    @Override
    public void divideByRoot(Vector squares, double decay, Vector gradient, double epsilon) {
        ArrayVector average = new ArrayVector(((ArrayVector) squares).values.clone());
        average.scale(decay);
        average.addSquares(1 - decay, gradient);
        divideByRoot(average, epsilon);
    }

    @Override
    public void adam(Vector first, Vector second, double beta1, double beta2, double epsilon) {
        first.scale(beta1);
        first.add(1 - beta1, this);
        second.scale(beta2);
        second.addSquares(1 - beta2, this);
        assign(first);
        divideByRoot(second, epsilon);
    }
}
