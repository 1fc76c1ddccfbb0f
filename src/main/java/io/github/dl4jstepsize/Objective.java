package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;

/** What a search looks at: computed from an output layer whose input, labels and masks are set; to be minimised. */
interface Objective {

    /** DL4J's score. */
    Objective LOSS = (layer, regularization, workspaces) -> layer.computeScore(regularization, true, workspaces);

    /**
     * @param regularization the terms that DL4J adds to the loss
     */
    double of(IOutputLayer layer, double regularization, LayerWorkspaceMgr workspaces);
}
